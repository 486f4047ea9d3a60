"""What an image holds: its layers, applications and contract, and its differences from another image."""
