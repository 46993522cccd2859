// SPDX-License-Identifier: MIT
// What compiled/losses.ipp lists. The other rooms' lists are declarations here as well.
#include <espalier/espalier.hpp>

#define ESPALIER_INSTANTIATE template
#include <espalier/compiled/losses.ipp>
