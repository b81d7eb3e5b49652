"""Parts of the screen: each is widgets over one view of :mod:`sat.frontends.core.views`."""
