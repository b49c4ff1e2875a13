"""Do texture and spatial frequencies of the face fit together, to Xception?"""
