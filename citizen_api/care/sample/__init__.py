"""The bundled sample of facilities, and the script that derives it."""
