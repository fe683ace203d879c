-- Penlight: paragraphs and templates; the functions are those of pl.stringx.
return require 'pl.stringx'
