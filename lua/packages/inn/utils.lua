-- inn.utils, which programs require by itself.
return require('inn').utils
