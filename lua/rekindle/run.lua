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
   for _, ours in ipairs { 'run', 'session' } do
      if type(message) == 'string' then message = message:gsub('^rekindle/' .. ours .. '%.lua:%d+: ', '') end
   end
   local text = debug.traceback(message, 2)
   for _, ours in ipairs { 'run', 'session' } do
      text = text:gsub("\n%s*%[C%]: in function 'xpcall'\n%s*rekindle/" .. ours .. '%.lua.*$', '')
   end
   return (text:gsub('\nstack traceback:$', ''))
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

local function session() return require 'rekindle.session' end

-- begins a session, in colours or without; the text of an error of the user's startup file
function run.session(colours)
   require('rekindle.display').colours = colours
   return session().start()
end

function run.startup(path)
   local chunk, why = loadfile(path)
   if not chunk then return why end
   return failure(chunk)
end

function run.open_part(text) return session().open_part(text) end

function run.complete(head) return session().complete(head) end

-- runs what was typed; its errors go to `tell`, or to the standard error
function run.interact(text, tell)
   session().interact(text, report, tell or function(why) io.stderr:write(tostring(why), '\n') end)
   io.stdout:flush()
   io.stderr:flush()
end

return run
