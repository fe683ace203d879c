-- Penlight: files as a whole.
local utils = require 'pl.utils'
local path = require 'pl.path'

local file = { read = utils.readfile, write = utils.writefile }
function file.copy(from, to, flag) return require('pl.dir').copyfile(from, to, flag) end
function file.move(from, to) return require('pl.dir').movefile(from, to) end
file.access_time, file.creation_time, file.modified_time = path.getatime, path.getctime, path.getmtime
function file.delete(path) return os.remove(path) end

require 'rekindle.takes'(file, 'file.', { delete = 'path:text' })

return file
