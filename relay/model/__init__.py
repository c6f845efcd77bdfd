"""The values every room speaks of: pure, frozen, and free of I/O."""
