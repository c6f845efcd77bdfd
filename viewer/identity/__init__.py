"""Who somebody is and what they may: signing in, sessions, second steps, programs that call."""
