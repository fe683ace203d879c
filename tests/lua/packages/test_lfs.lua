-- Package lfs, by its documented interface.
local lfs = require 'lfs'
local dir = os.tmpname()
os.remove(dir)

-- folders
assert(lfs.mkdir(dir) == true)
local ok, why, number = lfs.mkdir(dir)
assert(ok == nil and why == 'File exists' and number == 17)
local home = lfs.currentdir()
assert(lfs.chdir(dir) == true and lfs.currentdir():match('[^/]+$') == dir:match('[^/]+$'))
ok, why = lfs.chdir('not there')
assert(ok == nil and why:find('Unable to change working directory to \'not there\'', 1, true))
local file = assert(io.open('a', 'w'))
file:write('12345')
file:close()
lfs.mkdir('sub')
local names = {}
for name in lfs.dir('.') do names[name] = true end
assert(names.a and names.sub and names['.'] and names['..'])
local iterator, object = lfs.dir('.')
assert(type(iterator(object)) == 'string' and type(object:next()) == 'string')
object:close()
assert(not pcall(object.next, object))
ok, why = pcall(lfs.dir, 'not there')
assert(not ok and why:find("cannot open 'not there': No such file", 1, true))
assert(#(function() local all = {} for n in lfs.dir('sub') do all[#all + 1] = n end return all end)() == 2)

-- attributes
local found = lfs.attributes('a')
assert(found.mode == 'file' and found.size == 5 and found.nlink == 1)
assert(found.permissions:match('^[r-][w-][x-][r-][w-][x-][r-][w-][x-]$'))
for name, value in pairs(found) do assert(lfs.attributes('a', name) == value, name) end
assert(lfs.attributes('sub').mode == 'directory' and lfs.attributes('sub', 'mode') == 'directory')
local given = {}
assert(lfs.attributes('a', given) == given and given.size == 5)
ok, why, number = lfs.attributes('not there')
assert(ok == nil and why == "cannot obtain information from file 'not there': No such file or directory" and number == 2)
assert(select('#', lfs.attributes('not there', 'mode')) == 3)
ok, why = pcall(lfs.attributes, 'a', 'colour')
assert(not ok and why:find("invalid attribute name 'colour'", 1, true))

-- links
assert(lfs.link('a', 'soft', true) and lfs.link('a', 'hard'))
assert(lfs.symlinkattributes('soft').mode == 'link' and lfs.symlinkattributes('soft', 'target') == 'a')
assert(lfs.attributes('soft', 'mode') == 'file' and lfs.attributes('a', 'nlink') == 2)
assert(lfs.symlinkattributes('a').target == nil)
assert(lfs.link('a', 'hard') == nil)

-- times
assert(lfs.touch('a', 1000000, 2000000) == true)
assert(lfs.attributes('a', 'access') == 1000000 and lfs.attributes('a', 'modification') == 2000000)
assert(lfs.touch('a', 3000000))
assert(lfs.attributes('a', 'modification') == 3000000)
assert(lfs.touch('a') and math.abs(lfs.attributes('a', 'modification') - os.time()) < 5)
assert(lfs.touch('not there') == nil)

-- open files
file = assert(io.open('a', 'r+'))
local done, mode = lfs.setmode(file, 'text')
assert(done == true and mode == 'binary')
assert(lfs.lock(file, 'w') == true and lfs.unlock(file) == true and lfs.lock(file, 'r', 1, 2) and lfs.unlock(file, 1, 2))
assert(not pcall(lfs.lock, file, 'x'))
file:close()
ok, why = pcall(lfs.setmode, file, 'binary')
assert(not ok and why:find('closed file', 1, true))
assert(not pcall(lfs.lock, 3, 'w'))

local lock = assert(lfs.lock_dir('.'))
ok, why = lfs.lock_dir('.')
assert(ok == nil and why == 'File exists')
lock:free()
assert(lfs.lock_dir('.', 10)):free()

for _, name in ipairs { 'a', 'soft', 'hard' } do os.remove(name) end
assert(lfs.rmdir('sub') == true)
lfs.chdir(home)
assert(lfs.rmdir(dir) == true)
assert(lfs.rmdir(dir) == nil)
print('all as it should be')
