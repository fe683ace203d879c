-- Lua's functions that load code, with compiled functions checked first: LuaJIT loads bytecode as it is, and damaged
-- bytecode reads and writes wherever it likes. And the functions of `debug` that could reach into functions of the host.
local native = require 'rekindle.native'
local SIGNATURE = 27

-- Functions of the host that are written in Lua: Lua's own are not written to files.
local own = setmetatable({}, { __mode = 'k' })
native.own_functions = own
local function replace(where, name, f)
   where[name] = f
   own[f] = true
end

-- it walks a table in a way that is open to LuaJIT's own functions alone
own[table.foreach] = true

local raw_load = load
-- for bytecode of our own, until somebody takes it
native.raw_load = raw_load

-- what is wrong with the code, where it is compiled and damaged
local function damage(code)
   if code:byte() ~= SIGNATURE then return nil end
   local why = native.functions.state.checkBytecode(code)
   return why and 'cannot load compiled function: it is damaged: ' .. why
end

-- a reader that hands compiled code over as a whole, once it is checked
local function checked(reader)
   local begun = false
   return function()
      local piece = reader()
      if begun or type(piece) ~= 'string' or piece == '' then return piece end
      begun = true
      if piece:byte() ~= SIGNATURE then return piece end
      local pieces = {}
      while type(piece) == 'string' and piece ~= '' do
         pieces[#pieces + 1] = piece
         piece = reader()
      end
      local code = table.concat(pieces)
      local why = damage(code)
      if why then error(why, 0) end
      reader = function() end
      return code
   end
end

-- The text of the last chunks that have names and are no files, for messages about their lines.
native.texts = {}
local texts, names, latest = native.texts, {}, 0
local KEPT = 32
local function keep(text, name)
   if type(name) ~= 'string' or name:sub(1, 1) ~= '=' or text:byte() == SIGNATURE then return end
   if texts[name] == nil then
      latest = latest % KEPT + 1
      if names[latest] then texts[names[latest]] = nil end
      names[latest] = name
   end
   texts[name] = text
end

local function load(code, ...)
   local kind = type(code)
   if kind == 'string' then
      local why = damage(code)
      if why then return nil, why end
      keep(code, ...)
   elseif kind == 'function' then
      code = checked(code)
   elseif kind == 'userdata' and tostring(code):byte() == SIGNATURE then
      -- a buffer
      code = tostring(code)
      local why = damage(code)
      if why then return nil, why end
   end
   return raw_load(code, ...)
end
replace(_G, 'load', load)
replace(_G, 'loadstring', function(...) return load(...) end)

local raw_loadfile = loadfile
local function loadfile(name, ...)
   local kind = type(name)
   if kind ~= 'string' and kind ~= 'nil' then return raw_loadfile(name, ...) end
   if name == nil then return load(io.read('*a') or '', '=stdin', ...) end
   local file = io.open(name, 'rb')
   local first = file and file:read(1)
   if not first or first:byte() ~= SIGNATURE then
      if file then file:close() end
      return raw_loadfile(name, ...)
   end
   local code = first .. (file:read('*a') or '')
   file:close()
   return load(code, '@' .. name, ...)
end
replace(_G, 'loadfile', loadfile)

replace(_G, 'dofile', function(name)
   local chunk, why = loadfile(name)
   if not chunk then error(why, 0) end
   return chunk()
end)

-- the loader of `require` for files on package.path
package.loaders[2] = function(name)
   local path, tried = package.searchpath(name, package.path)
   if not path then return tried end
   local chunk, why = loadfile(path)
   if not chunk then error(string.format("error loading module '%s' from file '%s':\n\t%s", name, path, why), 0) end
   return chunk
end

-- What a function of the host keeps on its stack and in its upvalues is not the program's to change.
local getinfo, setlocal, setupvalue = debug.getinfo, debug.setlocal, debug.setupvalue
local function of_host(info) return info and info.what == 'C' end

replace(debug, 'setlocal', function(thread, level, ...)
   if type(thread) ~= 'thread' then
      -- one level more: this function
      if type(thread) == 'number' and of_host(getinfo(thread + 1, 'S')) then
         error('setlocal: a function of the host has no variables to set', 2)
      end
      local name = setlocal(type(thread) == 'number' and thread + 1 or thread, level, ...)
      return name
   end
   local more = thread == coroutine.running() and 1 or 0
   if type(level) == 'number' and of_host(getinfo(thread, level + more, 'S')) then
      error('setlocal: a function of the host has no variables to set', 2)
   end
   local name = setlocal(thread, type(level) == 'number' and level + more or level, ...)
   return name
end)

replace(debug, 'setupvalue', function(f, ...)
   if type(f) == 'function' and of_host(getinfo(f, 'S')) then
      error('setupvalue: a function of the host has no upvalues to set', 2)
   end
   return setupvalue(f, ...)
end)

-- An error in a finaliser has nobody to go to.
jit.attach(function(why)
   io.stderr:write('ERROR in finalizer: ', type(why) == 'string' and why or '(' .. type(why) .. ')', '\n')
end, 'errfin')

-- LuaJIT's profiler, where it counts by lines, leaves compiled code in the middle of a call that passes its arguments on (`return
-- f(...)`), and the interpreter goes on with a stack that is not there yet. Counting by functions it does not. What `dumpstack`
-- gives are lines all the same.
local open = package.preload['jit.profile']
package.preload['jit.profile'] = open and function(...)
   local profile = open(...)
   local start = profile.start
   profile.start = function(mode, ...)
      if type(mode) == 'string' then mode = mode:gsub('l', 'f') end
      return start(mode, ...)
   end
   return profile
end
