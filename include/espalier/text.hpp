// SPDX-License-Identifier: MIT
/// @file Everything in text/.
#pragma once

#include <espalier/text/unicode.hpp>
#include <espalier/text/unicode_tables.hpp>
#include <espalier/text/utf8.hpp>
