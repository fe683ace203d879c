-- Package trepl: the sequences of terminals for colours: lower case is normal, upper case bold, `_red` a background.
return require('sys').COLORS
