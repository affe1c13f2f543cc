"""How the networks that come with motionbench were trained, so that anyone can train them again.

Not used at scoring time: this room renders training scenes, looks at them with the backends, and writes weights.
"""
