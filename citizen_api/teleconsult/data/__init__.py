"""What comes with Alentours about appointments; producer, licence and date in SOURCES.md."""
