"""What every frontend shares: the client of the bridge, the model of the state, its views."""
