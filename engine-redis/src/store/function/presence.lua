-- Who still waits: bits that nodes heard in a period. Two keys of their own: the period's, and one in
-- which a node's bits are put at their place.

do

local HEARD, HEARD_NEXT = 1, 2

-- The first byte's offset; how long the bits are kept; the bits.
local function hear(keys, args)
  redis.call('SETRANGE', keys[HEARD_NEXT], args[1], args[3])
  redis.call('BITOP', 'OR', keys[HEARD], keys[HEARD], keys[HEARD_NEXT])
  redis.call('UNLINK', keys[HEARD_NEXT])
  -- So that the key is there when nobody was heard of.
  redis.call('APPEND', keys[HEARD], '')
  redis.call('PEXPIRE', keys[HEARD], args[2])
  return { 'ok' }
end

-- The first byte's offset. Answers nothing when nobody has told anything.
local function heard(keys, args)
  if redis.call('EXISTS', keys[HEARD]) == 0 then
    return { 'ok' }
  end
  return { 'ok', redis.call('GETRANGE', keys[HEARD], args[1], -1) }
end

register('hear', hear)
register('heard', heard, { 'no-writes' })

end
