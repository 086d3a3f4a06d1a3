"""One call on the wire: frames, their headers, and values by annotation."""
