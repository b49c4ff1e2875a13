"""How good is a registered detector on videos that nothing of it was made from?"""
