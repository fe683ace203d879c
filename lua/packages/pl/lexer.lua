-- pl.lexer: tokens of a text, by patterns; those of Lua and C++ are there.
local utils = require 'pl.utils'
local lexer = {}

local NUMBER = { '^0[xX]%x+', '^%d+%.?%d*[eE][%+%-]?%d+', '^%d+%.?%d*', '^%.%d+[eE]?[%+%-]?%d*' }

local function quoted(token) return token:sub(2, -2) end

-- actions: what is done with the text of a token; gives its type and value
local function plain(kind) return function(token) return kind, token end end
local function number(token, options)
   if options.number then return 'number', tonumber(token) end
   return 'number', token
end
local function text(token, options) return 'string', options.string and quoted(token) or token end
local function char(token, options) return 'char', options.string and quoted(token) or token end
local function long_text(token, options)
   if not options.string then return 'string', token end
   local level = #token:match '^%[(=*)%['
   token = token:sub(level + 3, -level - 3)
   return 'string', (token:gsub('^\r?\n', ''))
end
local function symbol(token) return token, token end

-- a string with its escaped quotes
local function strings(quote, action)
   return {
      { '^' .. quote .. quote, action },
      { '^' .. quote .. '.-[^\\]' .. quote, action, escaped = quote },
   }
end

local function numbers()
   local list = {}
   for i, pattern in ipairs(NUMBER) do list[i] = { pattern, number } end
   return list
end

local function join(...)
   local all = {}
   for _, list in ipairs { ... } do
      for _, match in ipairs(list) do all[#all + 1] = match end
   end
   return all
end

local standard = join({ { '^%s+', plain 'space' } }, numbers(), { { '^[%a_][%w_]*', plain 'iden' } },
   strings('"', text), strings("'", text), { { '^.', symbol } })

local lua_keywords = {}
for word in ([[and break do else elseif end false for function if in local nil not or repeat return then true until
   while]]):gmatch '%S+' do lua_keywords[word] = true end
local cpp_keywords = {}
for word in ([[class break do sizeof else continue struct false for public void private protected goto if static const
   typedef enum char int bool long float true delete double while new namespace try catch switch case extern return
   default unsigned signed union volatile register short]]):gmatch '%S+' do cpp_keywords[word] = true end

local function names(keywords)
   return function(token) return keywords[token] and 'keyword' or 'iden', token end
end

local function operators(list)
   local matches = {}
   for operator in list:gmatch '%S+' do matches[#matches + 1] = { '^' .. utils.escape(operator), symbol } end
   return matches
end

local comment = plain 'comment'
local lua_matches = join({ { '^%s+', plain 'space' }, { '^#!.-\n', comment } }, numbers(),
   { { '^[%a_][%w_]*', names(lua_keywords) } }, strings('"', text), strings("'", text),
   { { '^%-%-%[(=*)%[.-%]%1%]', comment }, { '^%-%-.-\n', comment }, { '^%-%-.*$', comment },
      { '^%[(=*)%[.-%]%1%]', long_text } },
   operators '== ~= <= >= ... .. ::', { { '^.', symbol } })
local cpp_matches = join({ { '^%s+', plain 'space' }, { '^#.-\n', plain 'prepro' } }, numbers(),
   { { '^[%a_][%w_]*', names(cpp_keywords) } }, strings('"', text), strings("'", char),
   { { '^//.-\n', comment }, { '^/%*.-%*/', comment } },
   operators '== != <= >= && || ++ -- << >> += -= *= /= -> ::', { { '^.', symbol } })

-- where a token of this kind ends, from a place on; a quote after an odd number of backslashes does not end a string
local function token_end(s, at, match)
   local first, last = s:find(match[1], at)
   if not first then return end
   while match.escaped do
      local slashes = #s:sub(at, last - 1):match '\\*$'
      if slashes % 2 == 0 then break end
      last = s:find(match.escaped, last + 1, true)
      if not last then return end
   end
   return last
end

-- An iterator of types and values. matches: pairs of a pattern and a function, which gives the type and the value, or yields
-- them; filter: types, or such functions, whose tokens are left out; s: a string, or an object with `read`.
function lexer.scan(s, matches, filter, options)
   utils.assert_arg(1, s, type(s) == 'string' and 'string' or 'table',
      type(s) ~= 'string' and function(source) return source.read ~= nil end or nil)
   matches, filter = matches or standard, filter or { space = true }
   options = options or { number = true, string = true }
   if type(s) ~= 'string' then s = s:read('*a') or '' end
   local at, line, pending = 1, 1, {}
   local stream = {}
   local function advance()
      while at <= #s do
         local found = false
         for _, match in ipairs(matches) do
            local last = token_end(s, at, match)
            if last and last >= at then
               local token = s:sub(at, last)
               local _, breaks = token:gsub('\n', '')
               at, line, found = last + 1, line + breaks, true
               if not filter[match[2]] then
                  local run = coroutine.wrap(function() return match[2](token, options) end)
                  local kind, value = run()
                  if kind ~= nil and not filter[kind] then return kind, value end
               end
               break
            end
         end
         if not found then error('pl.lexer: no token matches at ' .. s:sub(at, at + 20), 3) end
      end
   end
   function stream.take()
      if #pending > 0 then return unpack(table.remove(pending, 1)) end
      return advance()
   end
   function stream.insert(list)
      for i = #list, 1, -1 do table.insert(pending, 1, list[i]) end
   end
   function stream.rest()
      local rest = s:sub(at)
      at = #s + 1
      return rest
   end
   function stream.line()
      local last = s:find('\n', at, true)
      local text_of_line = s:sub(at, (last or #s + 1) - 1)
      at = (last or #s) + 1
      if last then line = line + 1 end
      return text_of_line
   end
   function stream.number() return line end
   return setmetatable(stream, { __call = function() return stream.take() end })
end

local function copy(default, given) return given or default end

function lexer.lua(s, filter, options)
   return lexer.scan(s, lua_matches, copy({ space = true, comments = true, comment = true }, filter), options)
end
function lexer.cpp(s, filter, options)
   return lexer.scan(s, cpp_matches, copy({ space = true, comments = true, comment = true }, filter), options)
end
function lexer.get_keywords() return lua_keywords end

-- what scan, lua and cpp give
local function lexing(name, stream)
   if type(stream) == 'table' and stream.take and stream.insert then return stream end
   error(('lexer.%s: a stream of tokens expected, got %s'):format(name, require('nn.expect').brief(stream)))
end

-- Puts tokens in front: a type and a value, a list of tokens, or an iterator of them.
function lexer.insert(stream, a, b)
   lexing('insert', stream)
   if not a then return end
   local list = {}
   if type(a) == 'string' and b ~= nil then
      list[1] = { a, b }
   elseif type(a) == 'function' or type(a) == 'table' and getmetatable(a) and getmetatable(a).__call then
      for kind, value in a do list[#list + 1] = { kind, value } end
   else
      list = type(a[1]) == 'string' and { a } or a
   end
   stream.insert(list)
end
function lexer.getline(stream) return lexing('getline', stream).line() end
function lexer.getrest(stream) return lexing('getrest', stream).rest() end
function lexer.lineno(stream) return lexing('lineno', stream).number() end

-- The tokens up to the one that ends the list, cut at each delimiter outside of brackets: a list of lists, and the last token.
function lexer.get_separated_list(stream, endtoken, delim)
   endtoken, delim = endtoken or ')', delim or ','
   local lists, list, level = {}, {}, 1
   while true do
      local kind, value = stream()
      if not kind then return nil, 'EOS' end
      if kind == '(' or kind == '{' or kind == '[' then level = level + 1 end
      if kind == endtoken and level == 1 or (endtoken == '\n' and kind == 'space' and value:find '\n') then
         if #list > 0 then lists[#lists + 1] = list end
         return lists, { kind, value }
      end
      if kind == ')' or kind == '}' or kind == ']' then level = level - 1 end
      if level == 1 and kind == delim then
         lists[#lists + 1], list = list, {}
      else
         list[#list + 1] = { kind, value }
      end
   end
end
function lexer.skipws(stream)
   local kind, value = stream()
   while kind == 'space' do kind, value = stream() end
   return kind, value
end
-- The next token's value, which has to be of a type.
function lexer.expecting(stream, wanted, no_skip_ws)
   local kind, value
   if no_skip_ws then kind, value = stream() else kind, value = lexer.skipws(stream) end
   if kind ~= wanted then error('expecting ' .. wanted, 2) end
   return value, kind
end

require 'rekindle.takes'(lexer, 'lexer.', {
     insert = 'stream:list a:string|list|function?',
   skipws = 'stream:function', get_separated_list = 'stream:function', expecting = 'stream:function wanted:string',
})

return lexer
