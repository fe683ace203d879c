-- How `th` runs programs: script files, strings, errors with a traceback.
local absent = require 'rekindle.absent'
local run = {}

-- what went wrong and where, without the frames of this file
local function report(message)
   if type(message) ~= 'string' then
      local mt = debug.getmetatable(message)
      message = mt and mt.__tostring and tostring(message) or '(error object is a ' .. type(message) .. ' value)'
   end
   -- what is typed calls as its last step, so that errors about the caller name the line below that runs it
   if type(message) == 'string' then message = message:gsub('^rekindle/run%.lua:%d+: ', '') end
   local text = debug.traceback(message, 2)
   return (text:gsub("\n%s*%[C%]: in function 'xpcall'\n%s*rekindle/run%.lua.*$", ''):gsub('\nstack traceback:$', ''))
end

-- What the standard output held back and could not write at the end: the text of an error, or nil. What did not fit
-- earlier fails again, or left the stream's mark.
local stdout = io.stdout
local function unwritten()
   if io.type(stdout) ~= 'file' then return nil end
   local ok, why = stdout:flush()
   if not ok then return 'cannot write to the standard output: ' .. tostring(why) end
end

-- Runs a function. Gives its error's text, or nil.
local function failure(chunk, ...)
   local args, n = { ... }, select('#', ...)
   local ok, why = xpcall(function() return chunk(unpack(args, 1, n)) end, report)
   if not ok then return why end
   local threads = package.loaded.threads
   if type(threads) == 'table' and threads._finish then threads._finish() end
   return unwritten()
end

-- what stands before the script on the command line: arg[-1], arg[-2] ...
local before = {}

-- a script with the global `arg` as Lua's own interpreter sets it
function run.run_file(path, args)
   arg = { [0] = path }
   for i, a in ipairs(before) do arg[i - #before - 1] = a end
   for i, a in ipairs(args) do arg[i] = a end
   local chunk, why = loadfile(path)
   if not chunk then return why end
   return failure(chunk, unpack(args))
end

function run.run_string(code, args)
   arg = arg or {}
   for i, a in ipairs(args or {}) do arg[i] = a end
   absent.texts['=(command line)'] = code
   local chunk, why = loadstring(code, '=(command line)')
   if not chunk then return why end
   return failure(chunk, unpack(args or {}))
end

function run.library(name)
   return failure(function() _G[name:match('[^.]+$')] = require(name) end)
end

-- texts know `%` and the methods of pl.stringx, which is loaded when one of them is asked for
local function penlight()
   local function stringx() return require 'pl.stringx' end
   local texts = getmetatable ''
   texts.__mod = function(a, b)
      stringx().format_operator()
      return texts.__mod(a, b)
   end
   setmetatable(string, { __index = function(_, name)
      local f = type(name) == 'string' and stringx()[name]
      return type(f) == 'function' and f or nil
   end })
   -- modules of Penlight are globals
   local sources = require('rekindle.native').sources
   setmetatable(_G, { __index = function(globals, name)
      if type(name) ~= 'string' or not sources['packages.pl.' .. name] then return nil end
      local ok, module = pcall(require, 'pl.' .. name)
      if not ok then return nil end
      rawset(globals, name, module)
      return module
   end })
end

-- the packages that Torch7's th loads before anything else
function run.prelude(command)
   before = command
   require 'rekindle.print'
   for _, name in ipairs { 'paths', 'sys', 'xlua', 'dok' } do
      if require('rekindle.native').sources[name] then require(name) end
   end
   penlight()
end

-- `--profile`: times modules and criteria from now on, with a trace where a file is named; the text of an error
function run.profile(path) return require('rekindle.profile').start(path) end

-- prints the times and writes the trace; the text of an error
function run.profiled() return require('rekindle.profile').finish() end

-- ---- the interactive session ----

local function keep(...) return ... end

local function compile(line)
   local expression = line:match('^%s*=(.*)$') or line
   local chunk = loadstring('return ' .. expression, '=stdin')
   if chunk then
      -- an expression by itself would be a tail call, whose errors know no line
      local kept = not expression:find('...', 1, true)
         and loadstring('local keep = ... return keep(' .. expression .. '\n)', '=stdin')
      return kept or chunk
   end
   return loadstring(line, '=stdin')
end

-- whether a chunk only lacks its end
function run.is_incomplete(line)
   if line:match('^%s*%?') then return false end
   local chunk, why = compile(line)
   return not chunk and why:find("near '<eof>'", 1, true) ~= nil
end

local function show(...)
   for i = 1, select('#', ...) do print((select(i, ...))) end
   _G._RESULT, _G._LAST = ..., ...
end

-- runs a line of the session and prints what it gives; the error's text where there is one
function run.interact(line)
   -- ?torch.add shows how it is called
   local topic = line:match('^%s*%?%s*(.-)%s*$')
   if topic then return require('rekindle.help').show(topic) end
   absent.texts['=stdin'] = line
   local chunk, why = compile(line)
   if not chunk then return why end
   local function finish(ok, ...)
      if not ok then return (...) end
      show(...)
   end
   return finish(xpcall(chunk, report, keep))
end

-- names that continue what was typed: globals, fields, methods
function run.complete(text)
   local head, sep, last = text:match('^(.-)([.:]?)([%w_]*)$')
   local value = _G
   for part in head:gmatch('[%w_]+') do
      local ok, v = pcall(function() return value[part] end)
      if not ok or v == nil then return {} end
      value = v
   end
   local found, seen = {}, {}
   local function add(t, functions)
      for k, v in pairs(type(t) == 'table' and t or {}) do
         if type(k) == 'string' and not seen[k] and k:sub(1, #last) == last and (last ~= '' or k:sub(1, 1) ~= '_')
            and (not functions or type(v) == 'function') then
            seen[k] = true
            found[#found + 1] = head .. sep .. k
         end
      end
   end
   if sep ~= ':' then add(value) end
   local mt = debug.getmetatable(value)
   while type(mt) == 'table' and sep ~= '' do
      add(mt, sep == ':')
      if type(mt.__index) == 'table' then add(mt.__index, sep == ':') end
      local proxy = debug.getmetatable(mt)
      mt = proxy and proxy.parent
   end
   table.sort(found)
   return found
end

return run
