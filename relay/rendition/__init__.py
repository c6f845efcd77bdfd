"""From the original to what one recipient gets. Pure: octets, times, ids and tokens come as arguments."""
