"""Can forgeries be learnt from real videos alone?"""
