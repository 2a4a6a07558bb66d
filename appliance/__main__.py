"""`python -m appliance` is the command `strokebox`."""

import sys

from appliance.cli import main

sys.exit(main())
