"""A GSM modem on this machine, through libGammu."""
