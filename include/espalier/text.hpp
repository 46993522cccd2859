// SPDX-License-Identifier: MIT
/// @file Everything in text/. What has a vocabulary needs nlohmann_json; without it on the include path that is left out.
#pragma once

#include <espalier/text/added_tokens.hpp>
#include <espalier/text/byte_level.hpp>
#include <espalier/text/byte_tokenizer.hpp>
#include <espalier/text/merges.hpp>
#include <espalier/text/split_words.hpp>
#include <espalier/text/tokenizer.hpp>
#include <espalier/text/unicode.hpp>
#include <espalier/text/unicode_tables.hpp>
#include <espalier/text/utf8.hpp>

#if __has_include(<nlohmann/json.hpp>)
#include <espalier/text/byte_pair_encoding.hpp>
#include <espalier/text/char_tokenizer.hpp>
#include <espalier/text/parse_json.hpp>
#include <espalier/text/tokenizer_file.hpp>
#include <espalier/text/vocabulary.hpp>
#include <espalier/text/word_piece.hpp>
#include <espalier/text/word_tokenizer.hpp>
#endif
