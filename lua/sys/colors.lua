-- The colours of sys, under the name by which programs require them.
return require('sys').COLORS
