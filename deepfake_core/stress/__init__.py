"""How much loss of quality does a registered detector bear?"""
