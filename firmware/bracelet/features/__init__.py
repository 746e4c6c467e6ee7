"""What the bracelet makes of its samples itself: integers alone, in buffers of a fixed size."""
