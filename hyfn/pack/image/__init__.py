"""OCI images, made and moved without a daemon, by the image and distribution specifications 1.1."""
