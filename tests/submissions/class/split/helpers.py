def slope(h):
    return 1 - h * h
