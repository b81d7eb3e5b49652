"""``sat-dbus``: the bridge on D-Bus, a process of its own that attaches as a frontend does."""
