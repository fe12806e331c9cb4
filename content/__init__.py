"""What we say: words in French and English, in files, checked when the product starts."""
