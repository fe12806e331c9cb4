"""What to do at a level of air, pollen, heat or UV."""
