"""What videos there are, who may see them, and what was made of them."""
