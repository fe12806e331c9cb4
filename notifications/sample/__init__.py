"""The bundled week of hourly measurements, and the script that derives it."""
