"""A site of functions under @on.http, for every platform, and what asks it."""
