"""Does it help to know expressions when telling real faces from forged?"""
