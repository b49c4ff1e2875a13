"""Does the face move and shine as faces do, to EfficientNet-B4 and a BiLSTM?"""
