"""Does it help to know faces apart when telling real ones from forged?"""
