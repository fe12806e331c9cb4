"""Programs that measure the product; each writes its raw output, and `report` the page from all of them."""
