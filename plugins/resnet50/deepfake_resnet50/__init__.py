"""What do the features of an image classifier say about single frames of a face?"""
