"""Each plugin, in a daemon between a scripted server and a frontend."""
