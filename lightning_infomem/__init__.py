"""See memorization while a network trains, and choose the checkpoint that generalises, without labels."""
