-- Package LuaXML under its older name.
return require 'LuaXML'
