"""One generated application in the form that each packager needs, and how each is run."""
