"""For the tests of users and of new clouds."""
