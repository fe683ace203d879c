-- Package qttorch: pictures of qt and tensors, which package qt converts by itself.
require 'qt'
return true
