"""Air: indices, readings, forecasts and episodes; pollen, heat and UV beside them."""
