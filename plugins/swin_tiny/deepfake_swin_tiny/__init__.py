"""Do the parts of the face fit together, to Swin-Tiny and a DCT?"""
