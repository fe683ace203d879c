-- The name that programs require package ipc by.
return require 'ipc'
