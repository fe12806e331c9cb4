"""Providers of appointments, their slots, and handing a resident over to a booking service. Nothing is booked here."""
