"""The documents, and the script that draws into them."""
