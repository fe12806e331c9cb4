"""Whom we tell: it stands above `citizen_api`, notices the facts recorded there and imports downwards only."""
